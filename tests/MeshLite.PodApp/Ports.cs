namespace MeshLite.PodApp;

/// <summary>Where <see cref="Server"/> listens.</summary>
public static class Ports
{
    /// <summary>HTTP/1.1: echo, WebSocket, ledger.</summary>
    public const int Http = 8080;

    /// <summary>gRPC (h2c).</summary>
    public const int Grpc = 9090;

    /// <summary>Bytes, and their digest.</summary>
    public const int Bulk = 7000;

    /// <summary>The server greets first; one of the well-known opaque ports.</summary>
    public const int Greeting = 4444;

    /// <summary>The same on a port nobody knows of.</summary>
    public const int UnknownGreeting = 7025;
}
