namespace MeshLite.Bench.YarpPair;

/// <summary>
/// From the command line: <c>outbound|inbound UPSTREAM GRPC-UPSTREAM CERT KEY CA</c>, or <c>backend|echo|collector</c>. The
/// bench is the only caller.
/// </summary>
/// <param name="Role">Which end of the pair.</param>
/// <param name="Upstream">Base address requests are forwarded to.</param>
/// <param name="GrpcUpstream">The same for gRPC: HTTP/2, whatever else there is.</param>
/// <param name="CertificateFile">PEM, of this end.</param>
/// <param name="KeyFile">PEM, of this end.</param>
/// <param name="CaFile">PEM: the root both ends trust.</param>
internal sealed record PairOptions(PairRole Role, string Upstream, string GrpcUpstream, string CertificateFile, string KeyFile, string CaFile)
{
    public static PairOptions? Parse(string[] args) => args switch
    {
        ["backend"] => Alone(PairRole.Backend),
        ["echo"] => Alone(PairRole.Echo),
        ["collector"] => Alone(PairRole.Collector),
        ["outbound", var upstream, var grpc, var certificate, var key, var ca] => new PairOptions(PairRole.Outbound, upstream, grpc, certificate, key, ca),
        ["inbound", var upstream, var grpc, var certificate, var key, var ca] => new PairOptions(PairRole.Inbound, upstream, grpc, certificate, key, ca),
        _ => null,
    };

    private static PairOptions Alone(PairRole role) => new(role, "", "", "", "", "");
}

/// <summary>Which end of the pair.</summary>
internal enum PairRole
{
    /// <summary>HTTP/1.1 and HTTP/2 in, HTTP/2 over mutual TLS out.</summary>
    Outbound,

    /// <summary>HTTP/2 over mutual TLS in, HTTP/1.1 out, or HTTP/2 for gRPC.</summary>
    Inbound,

    /// <summary>Answers 100 bytes, 10 kB at <c>/10k</c>, 1 MB at <c>/1m</c>, where nginx is missing.</summary>
    Backend,

    /// <summary>gRPC: answers each unary call with the message it brought.</summary>
    Echo,

    /// <summary>gRPC: takes what exporters of spans send, and forgets it.</summary>
    Collector,
}
