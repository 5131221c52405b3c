using System.Text;

namespace MeshLite.Kubernetes.Http;

/// <summary>One request, and how messages name it.</summary>
internal sealed record ApiCall(string Verb, ResourceType? Type, string? Namespace, string? Name)
{
    public HttpMethod Method { get; init; } = HttpMethod.Get;

    /// <summary>Relative to the server's address.</summary>
    public required string PathAndQuery { get; init; }

    /// <summary>Null: no body.</summary>
    public string? ContentType { get; init; }

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>End of a sentence that begins with "cannot": <c>replace leases.coordination.k8s.io meshlite-system/leader</c>.</summary>
    public override string ToString() => (Name, Namespace) switch
    {
        (null, null) => $"{Verb} {Type}",
        (null, _) => $"{Verb} {Type} in {Namespace}",
        (_, null) => $"{Verb} {Type} {Name}",
        _ => $"{Verb} {Type} {Namespace}/{Name}",
    };

    /// <summary>Path with those of <paramref name="query"/> that have a value.</summary>
    public static string Query(string path, params ReadOnlySpan<(string Name, string? Value)> query)
    {
        var text = new StringBuilder(path);
        var separator = '?';
        foreach (var (name, value) in query)
        {
            if (value is not null)
            {
                text.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
                separator = '&';
            }
        }

        return text.ToString();
    }
}
