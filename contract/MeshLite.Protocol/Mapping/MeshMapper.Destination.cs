using MeshLite.Model;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <content>Resource <c>destination/&lt;authority&gt;</c>.</content>
public static partial class MeshMapper
{
    /// <summary>The authority is the resource's key's.</summary>
    public static DestinationConfig FromProto(string authority, Proto.Destination destination)
    {
        var kind = Field.Enum<DestinationKind>(destination.Kind, "destination.kind");
        if (kind == DestinationKind.Service && destination.Service is null)
        {
            throw Field.Bad("destination.service", "missing");
        }

        return new()
        {
            Authority = authority,
            Kind = kind,
            Service = destination.Service is { } service ? FromProto(service, "destination.service") : default,
            Protocol = Field.Enum<AppProtocol>(destination.Protocol, "destination.protocol"),
            Matches = [.. destination.Matches.Select((m, i) => FromProto(m, destination.Rules.Count, $"destination.matches[{i}]"))],
            Rules = [.. destination.Rules.Select((r, i) => FromProto(r, destination.Backends.Count, $"destination.rules[{i}]"))],
            Backends = [.. destination.Backends.Select((b, i) => FromProto(b, $"destination.backends[{i}]"))],
        };
    }

    /// <inheritdoc cref="FromProto(string, Proto.Destination)"/>
    public static Proto.Destination ToProto(DestinationConfig destination) => new()
    {
        Kind = (Proto.Destination.Types.Kind)destination.Kind,
        Service = destination.Service == default ? null : ToProto(destination.Service),
        Protocol = (Proto.AppProtocol)destination.Protocol,
        Matches = { destination.Matches.Select(ToProto) },
        Rules = { destination.Rules.Select(ToProto) },
        Backends = { destination.Backends.Select(ToProto) },
    };

    private static RouteMatchConfig FromProto(Proto.RouteMatch match, int rules, string field) => new()
    {
        Rule = Field.Index(match.Rule, rules, $"{field}.rule"),
        Path = match.Path is { } path ? FromProto(path, $"{field}.path") : null,
        Headers = [.. match.Headers.Select((h, i) => FromProto(h, isHeader: true, $"{field}.headers[{i}]"))],
        Query = [.. match.Query.Select((q, i) => FromProto(q, isHeader: false, $"{field}.query[{i}]"))],
        Method = match.Method.Length == 0 ? null : Field.Token(match.Method, $"{field}.method"),
    };

    private static Proto.RouteMatch ToProto(RouteMatchConfig match) => new()
    {
        Rule = (uint)match.Rule,
        Path = match.Path is { } path ? new() { Type = (Proto.PathMatch.Types.Type)path.Type, Value = path.Value } : null,
        Headers = { match.Headers.Select(ToProto) },
        Query = { match.Query.Select(ToProto) },
        Method = match.Method ?? "",
    };

    private static PathMatchConfig FromProto(Proto.PathMatch path, string field)
    {
        var type = Field.Enum<PathMatchType>(path.Type, $"{field}.type");
        return type == PathMatchType.RegularExpression ? new(type, Field.Regex(path.Value, $"{field}.value"))
            : path.Value.StartsWith('/') ? new(type, path.Value)
            : throw Field.Bad($"{field}.value", $"'{path.Value}' does not begin with /");
    }

    private static ValueMatchConfig FromProto(Proto.ValueMatch match, bool isHeader, string field)
    {
        var type = Field.Enum<ValueMatchType>(match.Type, $"{field}.type");
        var name = isHeader ? Field.Token(match.Name, $"{field}.name")
            : match.Name.Length > 0 ? match.Name
            : throw Field.Bad($"{field}.name", "empty");
        return new(type, name, type == ValueMatchType.RegularExpression ? Field.Regex(match.Value, $"{field}.value") : match.Value);
    }

    private static Proto.ValueMatch ToProto(ValueMatchConfig match) =>
        new() { Type = (Proto.ValueMatch.Types.Type)match.Type, Name = match.Name, Value = match.Value };

    private static HeaderModifierConfig FromProto(Proto.HeaderModifier modifier, string field) => new()
    {
        Set = [.. modifier.Set.Select((h, i) => FromProto(h, $"{field}.set[{i}]"))],
        Add = [.. modifier.Add.Select((h, i) => FromProto(h, $"{field}.add[{i}]"))],
        Remove = [.. modifier.Remove.Select((name, i) => Field.Token(name, $"{field}.remove[{i}]"))],
    };

    private static Proto.HeaderModifier ToProto(HeaderModifierConfig modifier) => new()
    {
        Set = { modifier.Set.Select(ToProto) },
        Add = { modifier.Add.Select(ToProto) },
        Remove = { modifier.Remove },
    };

    private static HeaderConfig FromProto(Proto.Header header, string field) =>
        new(Field.Token(header.Name, $"{field}.name"), Field.HeaderValue(header.Value, $"{field}.value"));

    private static Proto.Header ToProto(HeaderConfig header) => new() { Name = header.Name, Value = header.Value };

    private static BackendConfig FromProto(Proto.Backend backend, string field) => new()
    {
        Service = backend.Service is { } service
            ? FromProto(service, $"{field}.service", optionalPort: backend.Missing) : throw Field.Bad($"{field}.service", "missing"),
        Subset = backend.Subset,
        Labels = Labels(backend.Labels),
        Policy = backend.Policy is { } policy ? FromProto(policy, $"{field}.policy") : ServicePolicyConfig.Default,
        Missing = backend.Missing,
    };

    private static Proto.Backend ToProto(BackendConfig backend) => new()
    {
        Service = ToProto(backend.Service),
        Subset = backend.Subset,
        Labels = { backend.Labels },
        Policy = backend.Policy == ServicePolicyConfig.Default ? null : ToProto(backend.Policy),
        Missing = backend.Missing,
    };
}
