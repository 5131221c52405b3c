using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Routing;

/// <summary>Changes Host and path of a request before it is sent (Gateway API HTTPURLRewriteFilter). Logs and metrics show it as it came. Immutable.</summary>
internal sealed class RewriteModel(UrlRewriteConfig config)
{
    /// <summary>Notes in the state what is to be sent.</summary>
    public void Apply(RequestState state, in RequestTarget target)
    {
        state.Host = config.Hostname;
        state.Target = config.Path is { } path ? PathRewrite.Apply(path, in target, state.Match!.Path) : null;
    }
}
