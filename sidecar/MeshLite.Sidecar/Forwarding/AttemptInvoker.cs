using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>What attempts are made by. One per program; immutable.</summary>
internal sealed record AttemptSettings(TimeProvider Time, Random Random)
{
    /// <value>Attempts after the first, for what was certainly not delivered. 2 (design.md §3).</value>
    public const int MaxRetries = 2;

    /// <value>What a failed attempt counts as in the endpoint's latency. 1 s: the bound on connecting.</value>
    public static readonly TimeSpan FailurePenalty = TimeSpan.FromSeconds(1);

    /// <value>Upper bound of the wait before the first retry; doubles with each. 25 ms, at most 250 ms.</value>
    public static readonly TimeSpan BackoffBase = TimeSpan.FromMilliseconds(25);

    /// <inheritdoc cref="BackoffBase"/>
    public static readonly TimeSpan BackoffCap = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Exponential backoff with full jitter: uniform over [0, min(cap, base · 2^(retry-1))]
    /// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    /// </summary>
    public TimeSpan Backoff(int retry)
    {
        var bound = Math.Min(BackoffCap.Ticks, BackoffBase.Ticks << Math.Min(retry - 1, 10));
        return TimeSpan.FromTicks((long)(bound * Random.NextDouble()));
    }
}

/// <summary>
/// The client YARP sends an outbound request by: picks an endpoint, sends once, and where the request provably
/// reached no application, picks anew and sends again. Each attempt is exactly one send. Belongs to one
/// <see cref="RequestState"/> and is reused with it.
/// </summary>
internal sealed class AttemptInvoker(RequestState state, AttemptSettings settings) : HttpMessageInvoker(NoHandler.Instance, disposeHandler: false)
{
    /// <inheritdoc/>
    public override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content as ReplayContent;
        var tried = default(ExcludedEndpoints);
        for (var attempt = 0; ; attempt++)
        {
            var endpoint = Pick(in tried);
            state.Endpoint = endpoint;
            state.AttemptCount = attempt + 1;
            state.UpstreamStarted = settings.Time.GetTimestamp();
            var load = endpoint.Load.Begin();
            try
            {
                var response = await endpoint.Connections.SendAsync(request, cancellationToken);
                state.UpstreamAnswered = settings.Time.GetTimestamp();
                var undelivered = response.Headers.NonValidated.Contains(MeshHeaders.Undelivered);
                EndLoad(endpoint, load, undelivered);
                if (!undelivered || !MayRetry(attempt, body))
                {
                    body?.Commit();
                    return response;
                }

                response.Dispose();
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                if (state.Context.RequestAborted.IsCancellationRequested)
                {
                    // An impatient caller says nothing about the endpoint.
                    endpoint.Load.Abandon();
                }
                else
                {
                    EndLoad(endpoint, load, failed: e is not OperationCanceledException);
                }

                var error = ForwardErrors.FromSend(e);
                if (e is OperationCanceledException || !error.Undelivered || !MayRetry(attempt, body))
                {
                    // Of a body that broke off, or a caller that left, YARP knows.
                    state.Error = e is OperationCanceledException || body is { BrokeOff: true } ? null : error;
                    body?.Commit();
                    throw;
                }
            }

            tried.Add(endpoint);
            await Task.Delay(settings.Backoff(attempt + 1), settings.Time, cancellationToken);
        }
    }

    /// <summary>A failure that comes fast must not look like a fast endpoint.</summary>
    private static void EndLoad(EndpointState endpoint, long begun, bool failed)
    {
        if (failed)
        {
            endpoint.Load.End(AttemptSettings.FailurePenalty);
        }
        else
        {
            endpoint.Load.End(begun);
        }
    }

    private static bool MayRetry(int attempt, ReplayContent? body) =>
        attempt < AttemptSettings.MaxRetries && (body is null || body.TryRelease());

    private EndpointState Pick(in ExcludedEndpoints tried)
    {
        var endpoint = state.Backend!.Pick(in tried);
        if (endpoint is not null)
        {
            return endpoint;
        }

        state.Error = new ProxyError(ErrorReason.NoHealthyEndpoint, ErrorSource.Upstream, $"'{state.Backend.Name}' has no ready endpoint.", Undelivered: true);
        throw new HttpRequestException("no endpoint");
    }

    private sealed class NoHandler : HttpMessageHandler
    {
        public static readonly NoHandler Instance = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
