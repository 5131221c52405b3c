using System.Net;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane;

/// <summary>The process's options. Immutable.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>Directory of YAML documents.</summary>
    public required string ConfigDirectory { get; init; }

    /// <summary>Directory for CA, join-token key, registrations, last good configuration; made where missing.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Where sidecars connect. <value>Default 0.0.0.0:15012.</value></summary>
    public IPEndPoint Grpc { get; init; } = new(IPAddress.Any, 15012);

    /// <summary><c>/metrics</c>, <c>/ready</c>, <c>/live</c>. <value>Default 0.0.0.0:15014.</value></summary>
    public IPEndPoint Telemetry { get; init; } = new(IPAddress.Any, 15014);

    /// <summary>Further names and addresses in the server's certificate.</summary>
    public IReadOnlyList<string> SubjectNames { get; init; } = [];

    /// <summary>How much is logged. <value>Default Information.</value></summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;
}
