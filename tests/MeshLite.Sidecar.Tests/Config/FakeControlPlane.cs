using System.Threading.Channels;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Config;

/// <summary>The control plane's end of the stream, h2c on a port of 127.0.0.1, spoken by the test message by message.</summary>
internal sealed class FakeControlPlane : IAsyncDisposable
{
    private readonly Channel<FakeStream> _streams = Channel.CreateUnbounded<FakeStream>();
    private readonly WebApplication _host;

    private FakeControlPlane(int port)
    {
        var grpc = new GrpcServer(new(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        grpc.AddDuplex(MeshMethods.ConfigurationStream, async (reader, writer, call) =>
        {
            var stream = new FakeStream(reader, writer);
            await _streams.Writer.WriteAsync(stream);
            await stream.Ended.WaitAsync(call.CancellationToken);
        });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            GrpcServer.Configure(kestrel.Limits);
            kestrel.Listen(System.Net.IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http2);
        });
        _host = builder.Build();
        _host.Run(grpc.HandleAsync);
    }

    public Uri Address { get; private set; } = null!;

    public static async Task<FakeControlPlane> StartAsync(int port = 0)
    {
        var plane = new FakeControlPlane(port);
        await plane._host.StartAsync();
        plane.Address = new(plane._host.Urls.Single());
        return plane;
    }

    /// <summary>The next stream a sidecar opens.</summary>
    public async Task<FakeStream> AcceptAsync() => await _streams.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(15));

    public async ValueTask DisposeAsync()
    {
        while (_streams.Reader.TryRead(out var stream))
        {
            stream.End();
        }

        await _host.DisposeAsync();
    }
}

/// <summary>One stream, at the control plane.</summary>
internal sealed class FakeStream(GrpcStreamReader<SidecarMessage> reader, GrpcStreamWriter<ControlPlaneMessage> writer)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Ended => _ended.Task;

    /// <summary>The sidecar's next message; null: it has ended the stream.</summary>
    public async Task<SidecarMessage> ReadAsync() => (await reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(15))).ShouldNotBeNull();

    public ValueTask UpdateAsync(ulong nonce, params Resource[] resources) =>
        writer.WriteAsync(new() { Update = new() { Nonce = nonce, Resources = { resources } } });

    public ValueTask InventoryAsync(ulong nonce, params Resource[] resources) => writer.WriteAsync(new()
    {
        Inventory = new() { Nonce = nonce, Resources = { resources.Select(r => new ResourceVersion { Key = r.Key, Version = r.Version }) } },
    });

    /// <summary>Ends it with OK, or with an error.</summary>
    public void End(GrpcException? error = null)
    {
        if (error is null)
        {
            _ended.TrySetResult();
        }
        else
        {
            _ended.TrySetException(error);
        }
    }
}
