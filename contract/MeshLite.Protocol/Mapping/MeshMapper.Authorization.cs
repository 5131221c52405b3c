using System.Net;
using MeshLite.Model;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <content>AuthorizationPolicy, and what may leave the mesh.</content>
public static partial class MeshMapper
{
    /// <summary>
    /// Never refuses: to keep the policies before would leave open what the new one closes. What is not understood whole (an action of
    /// later, a field of later, an entry that says nothing) becomes <see cref="AuthorizationAction.Unintelligible"/>.
    /// </summary>
    private static AuthorizationPolicyConfig FromProto(Proto.AuthorizationPolicy policy)
    {
        var config = new AuthorizationPolicyConfig(policy.Name, (AuthorizationAction)policy.Action, [.. policy.Rules.Select(FromProto)]);
        // Fields of a later contract are part of the message's equality, and of nothing this version reads.
        return Enum.IsDefined(config.Action) && config.Rules.All(IsIntelligible) && ToProto(config).Equals(policy)
            ? config
            : new AuthorizationPolicyConfig(policy.Name, AuthorizationAction.Unintelligible, []);
    }

    private static Proto.AuthorizationPolicy ToProto(AuthorizationPolicyConfig policy) => new()
    {
        Name = policy.Name,
        Action = (Proto.AuthorizationPolicy.Types.Action)policy.Action,
        Rules = { policy.Rules.Select(ToProto) },
    };

    private static AuthorizationRuleConfig FromProto(Proto.AuthorizationRule rule) => new()
    {
        Principals = [.. rule.Principals],
        Namespaces = [.. rule.Namespaces],
        Ports = [.. rule.Ports.Select(port => unchecked((int)port))],
        Methods = [.. rule.Methods],
        Paths = [.. rule.Paths],
    };

    private static Proto.AuthorizationRule ToProto(AuthorizationRuleConfig rule) => new()
    {
        Principals = { rule.Principals },
        Namespaces = { rule.Namespaces },
        Ports = { rule.Ports.Select(port => (uint)port) },
        Methods = { rule.Methods },
        Paths = { rule.Paths },
    };

    private static bool IsIntelligible(AuthorizationRuleConfig rule) =>
        rule.Ports.All(port => port is > 0 and <= ushort.MaxValue)
        && rule.Methods.All(method => method.Length > 0 && !method.Contains('*'))
        && rule.Principals.Concat(rule.Namespaces).Concat(rule.Paths).All(IsPattern);

    private static bool IsPattern(string text) =>
        text.Length > 0 && text.AsSpan(1).IndexOf('*') is var star && (star < 0 || (star == text.Length - 2 && text[0] != '*'));

    private static EgressConfig FromProto(Proto.Egress egress) => new()
    {
        Mode = Field.Enum<EgressMode>(egress.Mode, "mesh.egress.mode"),
        Allow = [.. egress.Allow.Select((entry, i) => IsEgressEntry(entry) ? entry : throw Field.Bad($"mesh.egress.allow[{i}]", $"'{entry}' is no host, address or network"))],
    };

    private static Proto.Egress ToProto(EgressConfig egress) => new() { Mode = (Proto.Egress.Types.Mode)egress.Mode, Allow = { egress.Allow } };

    private static bool IsEgressEntry(string entry) =>
        entry.Contains('/') ? IPNetwork.TryParse(entry, out _)
        : IPAddress.TryParse(entry, out _) || SpiffeId.IsSegment(entry.StartsWith("*.", StringComparison.Ordinal) ? entry[2..] : entry);
}
