namespace MeshLite.Sidecar.Listeners;

/// <summary>What the first bytes of a connection say it speaks.</summary>
internal enum ConnectionProtocol
{
    /// <summary>Too few bytes to tell.</summary>
    Undecided,

    /// <summary>An HTTP/1.x request line.</summary>
    Http1,

    /// <summary>The HTTP/2 connection preface (RFC 9113 §3.4).</summary>
    Http2,

    /// <summary>An HTTP/1.x CONNECT request: becomes a TCP tunnel.</summary>
    Connect,

    /// <summary>A TLS ClientHello that offers one of the mesh's ALPNs.</summary>
    MeshTls,

    /// <summary>Any other TLS ClientHello: the application's own TLS.</summary>
    Tls,

    /// <summary>None of these.</summary>
    Opaque,
}

/// <summary>Which door a connection came in by.</summary>
internal enum ListenerRole
{
    /// <summary>From the application beside this sidecar.</summary>
    Outbound,

    /// <summary>To the application beside this sidecar.</summary>
    Inbound,

    /// <summary>Operators on the same machine.</summary>
    Admin,

    /// <summary>Prometheus and probes.</summary>
    Telemetry,
}
