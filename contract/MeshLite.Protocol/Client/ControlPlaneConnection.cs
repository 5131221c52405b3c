using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Client;

/// <summary>A channel to the control plane with its connection, which ends when this is disposed. Made by <see cref="ControlPlaneDialer"/>.</summary>
public sealed class ControlPlaneConnection : IDisposable
{
    private readonly HttpMessageInvoker _invoker;

    internal ControlPlaneConnection(Uri address, HttpMessageInvoker invoker, TimeProvider time) =>
        (_invoker, Channel) = (invoker, new GrpcChannel(address, invoker, new GrpcChannelOptions(), time));

    /// <summary>For calls.</summary>
    public GrpcChannel Channel { get; }

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();
}
