using System.Collections.Immutable;

namespace MeshLite.Sidecar.Probes;

/// <summary>A probe of the application that the kubelet asks of the sidecar. Immutable.</summary>
/// <param name="Port">Of the application, at the pod's own address.</param>
/// <param name="Timeout">Longest answer. <value>Default 1 s, as Kubernetes has it; infinite for lifecycle hooks, whose caller decides.</value></param>
internal abstract record ApplicationProbe(int Port, TimeSpan Timeout);

/// <summary><c>httpGet</c>: anything from 200 to 399 is good.</summary>
internal sealed record HttpProbe(int Port, TimeSpan Timeout, bool IsHttps, string Path, ImmutableArray<(string Name, string Value)> Headers) : ApplicationProbe(Port, Timeout);

/// <summary><c>tcpSocket</c>: a connection is good.</summary>
internal sealed record TcpProbe(int Port, TimeSpan Timeout) : ApplicationProbe(Port, Timeout);

/// <summary><c>grpc</c>: <c>grpc.health.v1.Health/Check</c> in plaintext; SERVING is good.</summary>
internal sealed record GrpcProbe(int Port, TimeSpan Timeout, string Service) : ApplicationProbe(Port, Timeout);

/// <summary>What a probe found.</summary>
/// <param name="Status">200, or the application's own where it gave a bad one, or 503.</param>
/// <param name="Says">One line for people.</param>
internal readonly record struct ProbeAnswer(int Status, string Says)
{
    /// <summary>It is well.</summary>
    public static ProbeAnswer Good(string says) => new(StatusCodes.Status200OK, says);

    /// <summary>It is not, and gave no status of HTTP.</summary>
    public static ProbeAnswer Bad(string says) => new(StatusCodes.Status503ServiceUnavailable, says);
}
