using System.Collections.Frozen;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <c>retry</c> (Gateway API HTTPRouteRetry, with gRPC statuses and methods) of a rule or of the mesh. Pure.</summary>
internal static class RetryReader
{
    private const int MaxAttempts = 10;
    private const int MaxItems = 32;

    private static readonly TimeSpan MaxBackoff = TimeSpan.FromMinutes(1);

    // Names as the gRPC specification has them: DeadlineExceeded is DEADLINE_EXCEEDED.
    private static readonly FrozenDictionary<string, int> GrpcCodes = Enum.GetValues<GrpcStatusCode>().Where(code => code != GrpcStatusCode.OK)
        .ToFrozenDictionary(code => string.Concat(code.ToString().Select((c, i) => i > 0 && char.IsAsciiLetterUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}")), code => (int)code);

    /// <summary>Reads it; what is not written has its default.</summary>
    public static RetryConfig Read(FieldReader retry)
    {
        var byDefault = RetryConfig.Default;
        return new RetryConfig
        {
            Attempts = retry.Integer("attempts", 0, MaxAttempts) ?? byDefault.Attempts,
            Codes = retry.Values("codes", 0, MaxItems, code => StatusOf(code, 400), "a status from 400 to 599") ?? byDefault.Codes,
            GrpcCodes = retry.Values("grpcCodes", 0, MaxItems, GrpcCodeOf, "a gRPC status: 1 to 16, or its name, such as UNAVAILABLE") ?? byDefault.GrpcCodes,
            Methods = retry.Texts("methods", MaxItems, Check.Method),
            Backoff = retry.Duration("backoff", TimeSpan.Zero, MaxBackoff) ?? byDefault.Backoff,
        };
    }

    /// <summary>A response status from <paramref name="min"/> to 599, or null.</summary>
    internal static int? StatusOf(ScalarNode node, int min) =>
        node.Kind == ScalarKind.Integer && int.TryParse(node.Text, out var status) && status >= min && status <= 599 ? status : null;

    private static int? GrpcCodeOf(ScalarNode node) => node.Kind switch
    {
        ScalarKind.Integer when int.TryParse(node.Text, out var code) && code is >= 1 and <= 16 => code,
        ScalarKind.Text when GrpcCodes.TryGetValue(node.Text, out var code) => code,
        _ => null,
    };
}
