using MeshLite.Kubernetes;
using Microsoft.AspNetCore.Http;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>A request for objects, taken apart: <c>/apis/GROUP/VERSION[/namespaces/NS]/PLURAL[/NAME[/SUBRESOURCE]]</c>.</summary>
internal sealed record ApiRequest(ApiKind Kind, string? Namespace, string? Name, string? Subresource, IQueryCollection Query, string User)
{
    /// <summary>Whose fields a write owns: the parameter, else the program of the user agent.</summary>
    public required string FieldManager { get; init; }

    public string? this[string parameter] => Query.TryGetValue(parameter, out var value) && value.Count > 0 && value[0]!.Length > 0 ? value[0] : null;

    /// <summary>Whether it is for a status.</summary>
    public bool IsStatus => Subresource == "status";

    /// <summary>Key of the one object.</summary>
    public ObjectKey Key => new(Namespace, Name!);

    /// <summary>Takes a path apart; throws where no such kind is served.</summary>
    public static ApiRequest Parse(HttpRequest request, IReadOnlyDictionary<(string, string, string), ApiKind> kinds, string user)
    {
        var parts = request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var (group, version, rest) = parts switch
        {
            ["api", var v, .. var r] => ("", v, r),
            ["apis", var g, var v, .. var r] => (g, v, r),
            _ => throw ApiError.UnknownPath(),
        };

        // "namespaces/x/pods" is in a namespace; "namespaces", "namespaces/x", "namespaces/x/status" are namespaces themselves.
        string? ns = null;
        if (rest is ["namespaces", var inside, var what, ..] && what is not "status" and not "finalize")
        {
            (ns, rest) = (inside, rest[2..]);
        }

        if (rest.Length is < 1 or > 3 || !kinds.TryGetValue((group, version, rest[0]), out var kind) || (ns is not null && !kind.Type.IsNamespaced))
        {
            throw ApiError.UnknownPath();
        }

        var name = rest.Length > 1 ? rest[1] : null;
        var subresource = rest.Length > 2 ? rest[2] : null;
        if ((subresource is not null && !(subresource == "status" && kind.HasStatus)) || (name is not null && ns is null && kind.Type.IsNamespaced))
        {
            throw ApiError.UnknownPath();
        }

        return new ApiRequest(kind, ns, name, subresource, request.Query, user)
        {
            FieldManager = First(request.Query["fieldManager"]) ?? First(request.Headers.UserAgent)?.Split('/')[0] ?? "unknown",
        };
    }

    private static string? First(Microsoft.Extensions.Primitives.StringValues values) => values.Count > 0 && values[0]!.Length > 0 ? values[0] : null;
}
