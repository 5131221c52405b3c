namespace MeshLite.Shop;

/// <summary>
/// Carries what belongs to a request from the call received to the calls made for it: its id, the header testers are known
/// by, the trace it is part of, and how long its caller still waits.
/// </summary>
public sealed class CallContext(IHttpContextAccessor current, TroubleSwitch troubles, TimeProvider time) : DelegatingHandler
{
    internal const string RequestId = "x-request-id";

    private static readonly string[] Carried = [RequestId, "x-canary", "traceparent", "tracestate"];

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (current.HttpContext is { } context)
        {
            var forget = troubles.Current.Forget;
            foreach (var name in Carried.Take(forget ? 1 : Carried.Length))
            {
                if (context.Request.Headers.TryGetValue(name, out var value))
                {
                    request.Headers.TryAddWithoutValidation(name, value.ToString());
                }
            }

            if (!forget && CallerPatience.Left(context, time) is { } left)
            {
                request.Headers.TryAddWithoutValidation(CallerPatience.Header, left);
            }
        }

        return base.SendAsync(request, cancellationToken);
    }
}
