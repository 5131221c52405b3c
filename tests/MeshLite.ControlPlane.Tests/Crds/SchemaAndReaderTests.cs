using System.Collections.Immutable;
using System.Globalization;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>
/// Schemas and readers say the same: neither has a field, value or bound that the other has not. Every object of the schema must
/// stand in <c>golden/every-field/input.yaml</c>; there the readers are asked.
/// </summary>
public sealed class SchemaAndReaderTests
{
    // What neither schema nor CEL can say, or only in part; the readers behind the validating webhook do.
    private static readonly string[] LeftToTheWebhook =
    [
        "spec.rules[].matches[].path.value", "spec.rules[].matches[].headers[].value", "spec.rules[].matches[].queryParams[].value",
        "spec.rules[].fallback.response.contentType", "spec.tracing.endpoint", "spec.clusterNetworks[]",
        "spec.rules[].to.paths[]", "spec.egress.allow[]",
    ];

    // In paths: a name that the user gives.
    private const string AnyName = "*";

    public static TheoryData<string> Kinds() => [.. Crd.All.Keys];

    [Fact]
    public void Crds_AreOfEveryKindOfTheReaders() =>
        FieldCoverageTests.EveryField.Select(FieldCoverageTests.KindOf).Distinct().Except(["Service", "Case"]).Order(StringComparer.Ordinal).ShouldBe(Crd.All.Keys);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Fields_OfEveryObject_AreThoseReadersKnow(string kind)
    {
        foreach (var (field, schema) in Schemas(kind).Where(s => s.Schema.Type == "object"))
        {
            var known = Places(kind, field).Select(ReaderProbe.Fields).ToArray();

            known.ShouldNotBeEmpty($"{kind} {field} does not stand in every-field/input.yaml");
            if (schema.AdditionalProperties is not null)
            {
                known.ShouldAllBe(fields => fields == null);
                continue;
            }

            known.SelectMany(fields => fields!).Distinct().Order(StringComparer.Ordinal).ShouldBe(schema.Properties.Keys, $"{kind} {field}");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Types_OfEveryField_AreThoseReadersTake(string kind) =>
        ForEveryField(kind, (schema, map, field) => ReaderProbe.TypeOf(map, field).ShouldBe(schema.Type, $"{kind} {map.Field}.{field}"));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bounds_OfEveryField_AreThoseOfReaders(string kind) => ForEveryField(kind, (schema, map, field) =>
    {
        var name = $"{kind} {map.Field}.{field}";
        switch (schema.Type)
        {
            case "integer" when !schema.Enum.IsEmpty:
                var numbers = schema.Enum.Select(n => int.Parse(n.Text, CultureInfo.InvariantCulture)).ToArray();
                Enumerable.Range(numbers.Min() - 1, numbers.Max() - numbers.Min() + 3)
                    .Where(n => ReaderProbe.Complaints(map.WithField(field, ReaderProbe.Integer($"{n}")), $"{map.Path}.{field}").IsEmpty).ShouldBe(numbers, name);
                break;
            case "integer" or "number":
                ReaderProbe.Range(map, field).ShouldBe((Text(schema.Minimum), Text(schema.Maximum)), name);
                break;
            case "array":
                ReaderProbe.Size(map, field).ShouldBe(($"{schema.MinSize ?? 0}", $"{schema.MaxSize}"), name);
                break;
            case "string":
                (ReaderProbe.Names(map, field) ?? []).Order(StringComparer.Ordinal).ShouldBe(schema.Enum.Select(e => e.Text).Order(StringComparer.Ordinal), name);
                Parsed(ReaderProbe.DurationRange(map, field)).ShouldBe(Parsed(schema.DurationRange), name);
                break;
        }
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Values_OfEveryField_AreTakenByBothOrNeither(string kind)
    {
        foreach (var (field, schema) in Schemas(kind).Where(s => s.Schema.Type is not ("object" or "array" or "boolean") && s.Schema.DurationRange is null))
        {
            foreach (var (path, with) in Writable(kind, field))
            {
                foreach (var value in SampleValues.For(schema))
                {
                    var bySchema = !SchemaValidator.Problems(schema, value, path).Any();
                    var byReader = ReaderProbe.Complaints(with(value), path).IsEmpty;
                    if (byReader || (schema.Rules.IsEmpty && !LeftToTheWebhook.Contains(field, StringComparer.Ordinal)))
                    {
                        bySchema.ShouldBe(byReader, $"{kind} {path}: {value}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Required_FieldsOfEveryObject_AreThoseOfReaders(string kind) => ForEveryField(kind, (_, map, field) =>
    {
        var schema = SchemaOf(kind, map.Field);
        var byReader = ReaderProbe.Complaints(map.WithField(field, null), $"{map.Path}.{field}").Contains("is required");
        // What is required only beside another value, a CEL rule says.
        var bySchema = schema.Required.Contains(field, StringComparer.Ordinal) || (byReader && schema.Rules.Any(r => r.Field == $".{field}"));
        bySchema.ShouldBe(byReader, $"{kind} {map.Field}.{field}");
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Defaults_OfTheSchema_AreWhatAbsentMeans(string kind)
    {
        var tried = new HashSet<string>();
        foreach (var (index, document) in Documents(kind))
        {
            foreach (var map in Place.OfSpec(document).Where(p => p.Value is MapNode))
            {
                var known = ReaderProbe.Fields(map) ?? [];
                foreach (var (field, schema) in SchemaOf(kind, map.Field).Properties.Where(p => p.Value.Default is not null && known.Contains(p.Key)))
                {
                    var absent = MeshCase.Of(FieldCoverageTests.EveryField.SetItem(index, map.WithField(field, null)));
                    var written = MeshCase.Of(FieldCoverageTests.EveryField.SetItem(index, map.WithField(field, schema.Default)));
                    written.Errors.ShouldBe(absent.Errors, $"{map.Path}.{field}");
                    if (absent.Errors.IsEmpty)
                    {
                        tried.Add($"{map.Field}.{field}");
                        FieldCoverageTests.Fingerprint(written).ShouldBe(FieldCoverageTests.Fingerprint(absent), $"{map.Path}.{field}");
                    }
                }
            }
        }

        Schemas(kind).Where(s => s.Schema.Default is not null && !tried.Contains(s.Field)).Select(s => s.Field).ShouldBeEmpty("no document shows what absent means");
    }

    private static void ForEveryField(string kind, Action<Schema, Place, string> check)
    {
        foreach (var (path, schema) in Schemas(kind).Where(s => s.Schema.Type == "object"))
        {
            foreach (var (field, value) in schema.Properties)
            {
                var maps = Places(kind, path).Where(map => ReaderProbe.Fields(map)?.Contains(field) == true).ToArray();
                maps.ShouldNotBeEmpty($"{kind} {path}.{field}");
                foreach (var map in maps)
                {
                    check(value, map, field);
                }
            }
        }
    }

    // A field of a map that may have it, whether it has it or not; or an item of a list, or value of a map of labels, that is there.
    private static IEnumerable<(string Path, Func<Node, Node> With)> Writable(string kind, string field)
    {
        var dot = field.LastIndexOf('.');
        var name = field[(dot + 1)..];
        return field.EndsWith("[]", StringComparison.Ordinal) || name == AnyName
            ? Places(kind, field).Select(p => (p.Path, p.With))
            : Places(kind, field[..dot]).Where(map => ReaderProbe.Fields(map)?.Contains(name) == true)
                .Select(map => ($"{map.Path}.{name}", (Func<Node, Node>)(value => map.WithField(name, value))));
    }

    private static IEnumerable<(int Index, Node Document)> Documents(string kind) =>
        FieldCoverageTests.EveryField.Select((document, i) => (i, document)).Where(d => FieldCoverageTests.KindOf(d.document) == kind);

    private static IEnumerable<Place> Places(string kind, string field) => Documents(kind).SelectMany(d => Place.OfSpec(d.Document)).Where(p => p.Field == field || IsValueOf(p.Field, field));

    private static bool IsValueOf(string place, string field) =>
        field.EndsWith($".{AnyName}", StringComparison.Ordinal) && place.StartsWith(field[..^1], StringComparison.Ordinal) && !place[(field.Length - 1)..].Contains('.', StringComparison.Ordinal);

    private static IEnumerable<(string Field, Schema Schema)> Schemas(string kind) => Within("spec", Crd.All[kind].Spec);

    private static Schema SchemaOf(string kind, string field) => Schemas(kind).First(s => s.Field == field).Schema;

    private static IEnumerable<(string Field, Schema Schema)> Within(string field, Schema schema) =>
    [
        (field, schema),
        .. schema.Properties.SelectMany(p => Within($"{field}.{p.Key}", p.Value)),
        .. schema.Items is { } items ? Within($"{field}[]", items) : [],
        .. schema.AdditionalProperties is { } any ? Within($"{field}.{AnyName}", any) : [],
    ];

    private static string Text(double? number) => number!.Value.ToString(CultureInfo.InvariantCulture);

    private static (TimeSpan Min, TimeSpan Max)? Parsed((string Min, string Max)? range) =>
        range is { } r && GatewayDuration.TryParse(r.Min, out var min) && GatewayDuration.TryParse(r.Max, out var max) ? (min, max) : null;
}
