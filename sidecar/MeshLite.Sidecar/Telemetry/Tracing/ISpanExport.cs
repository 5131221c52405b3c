using System.Diagnostics;
using MeshLite.Model;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>Sends spans to one collector. Called by one thread at a time; made and ended by <see cref="SpanQueue"/>.</summary>
internal interface ISpanExport : IDisposable
{
    /// <summary>Sends and waits for the answer; null: taken, else why not.</summary>
    string? Export(Activity[] spans, int count);
}

/// <summary>Makes the export for a collector, of spans of one resource.</summary>
internal delegate ISpanExport SpanExportFactory(TracingConfig config, SpanResource resource);
