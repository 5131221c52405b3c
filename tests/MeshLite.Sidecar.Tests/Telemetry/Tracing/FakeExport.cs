using System.Collections.Concurrent;
using System.Diagnostics;
using MeshLite.Model;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

/// <summary>A collector that takes, refuses or hangs as the test says. Thread-safe.</summary>
internal sealed class FakeExport(TracingConfig config, SpanResource resource) : ISpanExport
{
    private readonly ConcurrentQueue<Activity[]> _batches = new();

    public TracingConfig Config { get; } = config;

    public SpanResource Resource { get; } = resource;

    public IReadOnlyCollection<Activity[]> Batches => _batches;

    public bool Disposed { get; private set; }

    /// <summary>What <see cref="Export"/> answers.</summary>
    public Func<string?> Answer { get; set; } = () => null;

    public string? Export(Activity[] spans, int count)
    {
        var answer = Answer();
        _batches.Enqueue(spans[..count]);
        return answer;
    }

    public void Dispose() => Disposed = true;
}
