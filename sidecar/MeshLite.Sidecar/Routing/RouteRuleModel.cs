using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// What happens to the requests of one rule; built with its <see cref="RouteTable"/>, shared by all requests. Immutable
/// but for the split's position.
/// </summary>
internal sealed class RouteRuleModel
{
    internal RouteRuleModel(string name, WeightedSplit split, HeaderModifier? requestHeaders, HeaderModifier? responseHeaders, TimeSpan? requestTimeout)
    {
        Name = name;
        Split = split;
        RequestHeaders = requestHeaders;
        ResponseHeaders = responseHeaders;
        RequestTimeout = requestTimeout;
    }

    /// <summary>The metric label <c>route</c>.</summary>
    public string Name { get; }

    /// <summary>Chooses a backend; -1 where the rule has none.</summary>
    public WeightedSplit Split { get; }

    /// <summary>Applied before the request is sent; null: nothing to do.</summary>
    public HeaderModifier? RequestHeaders { get; }

    /// <summary>Applied before the response goes to the caller; null: nothing to do.</summary>
    public HeaderModifier? ResponseHeaders { get; }

    /// <summary><inheritdoc cref="RouteRuleConfig.RequestTimeout"/> <value>Null: 60 s to the response's headers; zero: none.</value></summary>
    public TimeSpan? RequestTimeout { get; }
}
