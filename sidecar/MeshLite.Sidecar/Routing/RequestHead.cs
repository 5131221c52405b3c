using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Routing;

/// <summary>What rules may look at, borrowed from a request for the time of one match.</summary>
internal readonly ref struct RequestHead(string method, ReadOnlySpan<char> path, ReadOnlySpan<char> query, IHeaderDictionary headers)
{
    /// <summary>The head of a request whose target has been normalised.</summary>
    public RequestHead(string method, in RequestTarget target, IHeaderDictionary headers)
        : this(method, target.Path, target.Query, headers)
    {
    }

    /// <summary>Case-sensitive (RFC 9110 §9.1).</summary>
    public string Method { get; } = method;

    /// <summary>Normalised, without query.</summary>
    public ReadOnlySpan<char> Path { get; } = path;

    /// <summary>As sent, without question mark; read only if a rule asks for a parameter.</summary>
    public ReadOnlySpan<char> Query { get; } = query;

    /// <summary>The request's header fields.</summary>
    public IHeaderDictionary Headers { get; } = headers;
}
