namespace MeshLite.Sidecar.Routing;

/// <summary>The forms of a request target (RFC 9112 §3.2).</summary>
internal enum TargetForm
{
    /// <summary>None of them.</summary>
    Invalid,

    /// <summary><c>/path?query</c></summary>
    Origin,

    /// <summary><c>http://authority/path?query</c>, as sent to proxies.</summary>
    Absolute,

    /// <summary><c>host:port</c>, with CONNECT only.</summary>
    Authority,

    /// <summary><c>*</c>, with OPTIONS only.</summary>
    Asterisk,
}
