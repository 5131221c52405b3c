using MeshLite.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Watching;

/// <summary>
/// Keeps one kind in step with the server: lists in pages, watches, resumes where it left off, lists again when the server has forgotten that place.
/// It remembers versions, not objects: after another list the sink hears only what differs.
/// </summary>
public sealed class Reflector<T>(
    KubernetesClient client, ResourceType<T> type, Selection? selection, ReflectorOptions options, TimeProvider time, Random random, ILogger logger)
    where T : class, IKubernetesObject
{
    /// <summary>Runs until it is cancelled (then returns) or the sink throws; failures of the server are waited out.</summary>
    public Task RunAsync(IReflectorSink<T> sink, CancellationToken cancellation) => throw new NotImplementedException();
}

/// <summary>Times of a reflector.</summary>
public sealed record ReflectorOptions
{
    /// <summary>Objects a page. <value>Default 500.</value></summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Shortest time a watch is asked to last; each takes up to twice that. <value>Default 4 min, whole seconds.</value></summary>
    public TimeSpan WatchTimeout { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>First wait after a failure, doubled with each, with jitter. <value>Default 0.8 s.</value></summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromSeconds(0.8);

    /// <summary>Longest wait. <value>Default 30 s.</value></summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time between looks for a kind that the server does not have. <value>Default 3 s.</value></summary>
    public TimeSpan MissingKindRetry { get; init; } = TimeSpan.FromSeconds(3);
}
