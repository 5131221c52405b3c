namespace MeshLite.Sidecar.Forwarding;

/// <summary>A second message of a request that is under way, for a hedge or a mirror. Pure.</summary>
internal static class RequestCopy
{
    /// <summary>The same request with a body of its own; null: without one.</summary>
    public static HttpRequestMessage Of(HttpRequestMessage request, ReadOnlyMemory<byte>? body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            copy.Headers.TryAddWithoutValidation(name, values);
        }

        if (request.Content is { } content)
        {
            copy.Content = new ReadOnlyMemoryContent(body ?? ReadOnlyMemory<byte>.Empty);
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                copy.Content.Headers.TryAddWithoutValidation(name, values);
            }
        }

        return copy;
    }
}
