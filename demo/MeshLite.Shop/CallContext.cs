namespace MeshLite.Shop;

/// <summary>
/// Carries what belongs to a request from the call received to the calls made for it: its id, the header testers are known
/// by, the trace it is part of, and how long its caller waits.
/// </summary>
public sealed class CallContext(IHttpContextAccessor current, TroubleSwitch troubles) : DelegatingHandler
{
    internal const string RequestId = "x-request-id";
    internal const string Timeout = "meshlite-timeout";

    private static readonly string[] Carried = [RequestId, "x-canary", "traceparent", "tracestate", Timeout];

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        foreach (var name in Carried.Take(troubles.Current.Forget ? 1 : Carried.Length))
        {
            if (current.HttpContext?.Request.Headers.TryGetValue(name, out var value) == true)
            {
                request.Headers.TryAddWithoutValidation(name, value.ToString());
            }
        }

        return base.SendAsync(request, cancellationToken);
    }
}
