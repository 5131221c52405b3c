using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;

namespace MeshLite.ControlPlane.Tests.Compile;

/// <summary>No field is read and then forgotten: from <c>golden/every-field/input.yaml</c>, in which no value is a default.</summary>
public sealed class FieldCoverageTests
{
    private static readonly string[] Kinds = ["TrafficRoute", "TrafficPolicy", "AuthorizationPolicy", "MeshConfig"];

    // Values of which another is either no value at all or makes the fields beside it wrong.
    private static readonly string[] Discriminators = ["kind", "type"];

    internal static readonly ImmutableArray<Node> EveryField =
        YamlReader.Read(File.ReadAllText(Path.Combine(GoldenTests.GoldenDirectory(), "every-field", "input.yaml"))).Documents;

    [Fact]
    public void Compile_AnyFieldTakenAwayOrChanged_ResultDiffers()
    {
        var whole = Fingerprint(MeshCase.Of(EveryField));
        var withoutEffect = new HashSet<string>();
        var seen = new HashSet<string>();
        foreach (var (index, spec) in Specs())
        {
            var kind = KindOf(EveryField[index]);
            foreach (var (path, variant) in DocumentVariants.Of(spec))
            {
                var mesh = MeshCase.Of(EveryField.SetItem(index, WithSpec(EveryField[index], variant)));
                if (mesh.Errors.IsEmpty)
                {
                    seen.Add($"{kind} {path}");
                    if (Fingerprint(mesh) == whole)
                    {
                        withoutEffect.Add($"{kind} {path}");
                    }
                }
            }
        }

        withoutEffect.ShouldBeEmpty();
        Specs().SelectMany(s => DocumentVariants.Leaves(s.Spec).Select(leaf => $"{KindOf(EveryField[s.Index])} {leaf}"))
            .Where(leaf => !Discriminators.Contains(leaf.Split('.')[^1], StringComparer.Ordinal) && !seen.Contains(leaf))
            .ShouldBeEmpty("the value is required and no other was tried");
    }

    [Fact]
    public void Compile_AnyDocuments_ResultSurvivesTheStream() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue - 1).ToArbitrary(),
        seed =>
        {
            var mesh = MeshCase.Of(RandomDocuments(new Random(seed)));
            foreach (var authority in mesh.Authorities)
            {
                var sent = MeshMapper.ToProto(DestinationCompiler.Compile(mesh.View, authority, "shop").Config);
                if (!MeshMapper.ToProto(MeshMapper.FromProto(authority, sent)).Equals(sent))
                {
                    return false;
                }
            }

            var workload = MeshMapper.ToProto(MeshCompiler.Compile(mesh.View, new SpiffeId("cluster.local", "shop", "orders"), "orders-1", "orders", "v1", 8080, mesh.LabelsOf("orders-1")));
            var settings = MeshMapper.ToProto(MeshCompiler.Compile(mesh.View));
            return mesh.Errors.IsEmpty
                && MeshMapper.ToProto(MeshMapper.FromProto(workload)).Equals(workload)
                && MeshMapper.ToProto(MeshMapper.FromProto(settings)).Equals(settings);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    /// <summary>A walk from every field over documents that are all valid.</summary>
    private static ImmutableArray<Node> RandomDocuments(Random random)
    {
        var documents = EveryField;
        var specs = Specs().ToArray();
        for (var steps = random.Next(60); steps > 0; steps--)
        {
            var index = specs[random.Next(specs.Length)].Index;
            var variants = DocumentVariants.Of(SpecOf(documents[index])).ToArray();
            if (variants.Length == 0)
            {
                continue; // nothing is left of it
            }

            var next = WithSpec(documents[index], variants[random.Next(variants.Length)].Variant);
            if (DocumentReader.Read(next, "input.yaml", index).Errors.Count == 0)
            {
                documents = documents.SetItem(index, next);
            }
        }

        return documents;
    }

    // Not everything concerns sidecars.
    internal static string Fingerprint(MeshCase mesh) => $"{GoldenTests.Snapshot(mesh)} {mesh.View.Mesh.CertificateLifetime}";

    internal static IEnumerable<(int Index, Node Spec)> Specs() =>
        EveryField.Select((document, i) => (i, document)).Where(d => Kinds.Contains(KindOf(d.document), StringComparer.Ordinal)).Select(d => (d.i, SpecOf(d.document)));

    internal static string KindOf(Node document) => ((ScalarNode)((MapNode)document).Find("kind")!.Value).Text;

    private static Node SpecOf(Node document) => ((MapNode)document).Find("spec")!.Value;

    private static MapNode WithSpec(Node document, Node spec)
    {
        var map = (MapNode)document;
        var field = map.Find("spec")!;
        return map with { Fields = map.Fields.Replace(field, field with { Value = spec }) };
    }
}
