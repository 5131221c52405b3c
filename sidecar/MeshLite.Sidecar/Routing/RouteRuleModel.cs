using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Resilience.Fallback;
using MeshLite.Sidecar.Resilience.Hedge;
using MeshLite.Sidecar.Resilience.Mirror;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// What happens to the requests of one rule; built with its <see cref="RouteTable"/>, shared by all requests. A null part: the
/// rule says nothing of it, and requests pass it by. Immutable but for the split's position.
/// </summary>
internal sealed class RouteRuleModel
{
    internal RouteRuleModel(RouteRuleConfig config, HeaderModifier? requestHeaders, HeaderModifier? responseHeaders, AttemptSettings settings)
    {
        Name = config.Name;
        Split = new WeightedSplit(config.Backends, settings.Random);
        Sticky = config.Sticky is { } sticky ? new StickySplit(sticky) : null;
        RequestHeaders = requestHeaders;
        ResponseHeaders = responseHeaders;
        RequestTimeout = config.RequestTimeout;
        BackendRequestTimeout = config.BackendRequestTimeout;
        Retry = ReferenceEquals(config.Retry, RetryConfig.Default) ? RetryPolicy.Default : new RetryPolicy(config.Retry);
        Hedge = config.Hedge is { } hedge ? new HedgeModel(hedge, settings.Time) : null;
        Fallback = config.Fallback is { } fallback ? new FallbackModel(fallback) : null;
        Fault = config.Fault;
        Mirrors = config.Mirrors.IsEmpty ? null : new MirrorModel(config.Mirrors, settings);
        Redirect = config.Redirect is { } redirect ? new RedirectModel(redirect) : null;
        Rewrite = config.Rewrite is { } rewrite ? new RewriteModel(rewrite) : null;
    }

    /// <summary>The metric label <c>route</c>.</summary>
    public string Name { get; }

    /// <summary>Chooses a backend; -1 where the rule has none.</summary>
    public WeightedSplit Split { get; }

    /// <summary>Keeps callers with their backend.</summary>
    public StickySplit? Sticky { get; }

    /// <summary>Applied before the request is sent.</summary>
    public HeaderModifier? RequestHeaders { get; }

    /// <summary>Applied before the response goes to the caller.</summary>
    public HeaderModifier? ResponseHeaders { get; }

    /// <summary><inheritdoc cref="RouteRuleConfig.RequestTimeout"/> <value>Null: 60 s to the response's headers; zero: none.</value></summary>
    public TimeSpan? RequestTimeout { get; }

    /// <inheritdoc cref="RouteRuleConfig.BackendRequestTimeout"/>
    public TimeSpan? BackendRequestTimeout { get; }

    /// <summary>What may be sent again.</summary>
    public RetryPolicy Retry { get; }

    /// <summary>A second attempt beside the first.</summary>
    public HedgeModel? Hedge { get; }

    /// <summary>What answers when the backend can't.</summary>
    public FallbackModel? Fallback { get; }

    /// <summary>Faults made on purpose.</summary>
    public FaultConfig? Fault { get; }

    /// <summary>Where copies go.</summary>
    public MirrorModel? Mirrors { get; }

    /// <summary>The answer, instead of sending the request anywhere.</summary>
    public RedirectModel? Redirect { get; }

    /// <summary>Changes Host and path.</summary>
    public RewriteModel? Rewrite { get; }
}
