using System.Diagnostics;
using System.Text.Json;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>Echo servers, each started at first use, of both implementations, and our client to them.</summary>
public sealed class GrpcPeers : IAsyncLifetime
{
    public const string MeshLite = "meshlite";
    public const string GrpcJs = "grpc-js";

    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler { UseProxy = false });
    private readonly SemaphoreSlim _starting = new(1);
    private EchoServer? _meshLite;
    private Process? _grpcJs;
    private Uri? _grpcJsAddress;

    internal async Task<Uri> AddressAsync(string peer)
    {
        await _starting.WaitAsync();
        try
        {
            if (peer == MeshLite)
            {
                return (_meshLite ??= await EchoServer.StartAsync()).Address;
            }

            if (_grpcJs is null)
            {
                _grpcJs = await NodePeer.StartAsync("echo-server.js");
                var line = await _grpcJs.StandardOutput.ReadLineAsync();
                _grpcJsAddress = new($"http://127.0.0.1:{JsonDocument.Parse(line!).RootElement.GetProperty("port").GetInt32()}");
            }

            return _grpcJsAddress!;
        }
        finally
        {
            _starting.Release();
        }
    }

    internal async Task<GrpcChannel> ChannelAsync(string peer, GrpcChannelOptions? options = null) =>
        new(await AddressAsync(peer), _invoker, options ?? new(), TimeProvider.System);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _invoker.Dispose();
        if (_meshLite is not null)
        {
            await _meshLite.DisposeAsync();
        }

        if (_grpcJs is not null)
        {
            _grpcJs.Kill();
            _grpcJs.Dispose();
        }
    }
}
