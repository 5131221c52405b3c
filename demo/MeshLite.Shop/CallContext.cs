namespace MeshLite.Shop;

/// <summary>
/// Carries what belongs to a request from the call received to the calls made for it: its id, and the header testers
/// are known by. (Trace context ASP.NET Core carries by itself.)
/// </summary>
public sealed class CallContext(IHttpContextAccessor current) : DelegatingHandler
{
    internal const string RequestId = "x-request-id";

    private static readonly string[] Carried = [RequestId, "x-canary"];

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        foreach (var name in Carried)
        {
            if (current.HttpContext?.Request.Headers.TryGetValue(name, out var value) == true)
            {
                request.Headers.TryAddWithoutValidation(name, value.ToString());
            }
        }

        return base.SendAsync(request, cancellationToken);
    }
}
