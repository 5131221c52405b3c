namespace MeshLite.Bench.YarpPair;

/// <summary>
/// From the command line: <c>outbound|inbound UPSTREAM CERT KEY CA</c>, or <c>backend</c>. The bench is the only caller.
/// </summary>
/// <param name="Role">Which end of the pair.</param>
/// <param name="Upstream">Base address requests are forwarded to.</param>
/// <param name="CertificateFile">PEM, of this end.</param>
/// <param name="KeyFile">PEM, of this end.</param>
/// <param name="CaFile">PEM: the root both ends trust.</param>
internal sealed record PairOptions(PairRole Role, string Upstream, string CertificateFile, string KeyFile, string CaFile)
{
    public static PairOptions? Parse(string[] args) => args switch
    {
        ["backend"] => new PairOptions(PairRole.Backend, "", "", "", ""),
        ["outbound", var upstream, var certificate, var key, var ca] => new PairOptions(PairRole.Outbound, upstream, certificate, key, ca),
        ["inbound", var upstream, var certificate, var key, var ca] => new PairOptions(PairRole.Inbound, upstream, certificate, key, ca),
        _ => null,
    };
}

/// <summary>Which end of the pair.</summary>
internal enum PairRole
{
    /// <summary>HTTP/1.1 in, HTTP/2 over mutual TLS out.</summary>
    Outbound,

    /// <summary>HTTP/2 over mutual TLS in, HTTP/1.1 out.</summary>
    Inbound,

    /// <summary>Answers 100 bytes, where nginx is missing.</summary>
    Backend,
}
