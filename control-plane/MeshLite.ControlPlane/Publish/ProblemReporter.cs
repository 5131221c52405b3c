using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Publish;

/// <summary>
/// Logs what of the configuration has no effect, when it comes about and when it ends. Owned by the index's task.
/// </summary>
internal sealed class ProblemReporter(ILogger<ProblemReporter> logger)
{
    private HashSet<(ResourceKey Key, string Message)> _told = [];

    /// <summary>Looks at a new view.</summary>
    public void Report(IndexUpdate update)
    {
        if (!update.Touched.Any(k => k.Kind is IndexKeyKind.Service or IndexKeyKind.Mesh))
        {
            return;
        }

        var now = new HashSet<(ResourceKey, string)>();
        foreach (var problem in Diagnostics.Find(update.View))
        {
            now.Add((problem.Key, problem.Message));
            if (!_told.Contains((problem.Key, problem.Message)))
            {
                ControlPlaneLog.ResourceProblem(logger, problem.Key, problem.Origin, problem.Condition, problem.Message);
            }
        }

        foreach (var (key, message) in _told.Where(t => !now.Contains(t)))
        {
            ControlPlaneLog.ResourceProblemGone(logger, key, message);
        }

        _told = now;
    }
}
