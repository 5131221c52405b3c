using System.Buffers.Binary;
using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// One endpoint of a service and everything that lives as long as it does: its connections and its load. Made
/// and retired by <c>MeshState</c>; requests use it concurrently.
/// </summary>
internal sealed class EndpointState : ILoadBalanced, IDisposable
{
    /// <value>How long after it left the set an endpoint may still be sent to. 10 s: a request may have picked it just before, and wait to connect.</value>
    public static readonly TimeSpan RetiredFor = TimeSpan.FromSeconds(10);

    private readonly HttpMessageHandler _handler;
    private readonly TimeProvider _time;
    private int _retired;

    /// <summary>Makes the state, which owns <paramref name="handler"/>: its connections.</summary>
    public EndpointState(EndpointConfig config, PeakEwma load, HttpMessageHandler handler, long joinedAt, TimeProvider time)
    {
        _time = time;
        Config = config;
        Load = load;
        Health = new EndpointHealth(time);
        JoinedAt = joinedAt;
        HashId = HashOf(config.Address);
        Version = config.Labels.GetValueOrDefault("version", "");
        _handler = handler;
        Connections = new HttpMessageInvoker(handler, disposeHandler: false);
    }

    /// <summary>Address, identity, labels.</summary>
    public EndpointConfig Config { get; }

    /// <summary>Its <c>version</c> label, for metrics.</summary>
    public string Version { get; }

    /// <inheritdoc/>
    public PeakEwma Load { get; }

    /// <inheritdoc/>
    public int Weight => Config.Weight;

    /// <inheritdoc/>
    public long JoinedAt { get; }

    /// <inheritdoc/>
    public ulong HashId { get; }

    /// <summary>Whether it is left alone for now.</summary>
    public EndpointHealth Health { get; }

    /// <inheritdoc/>
    public bool IsOut => Health.IsOut;

    /// <inheritdoc/>
    public bool TryProbe() => Health.TryProbe();

    /// <summary>Sends to this endpoint alone, over HTTP/2 in mTLS.</summary>
    public HttpMessageInvoker Connections { get; }

    /// <summary>Out of the set: soon no new request comes, then its connections end as their last requests do.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _retired, 1) == 0)
        {
            _ = RetireAsync();
        }
    }

    private static ulong HashOf(IPEndPoint address)
    {
        Span<byte> bytes = stackalloc byte[18];
        address.Address.TryWriteBytes(bytes, out var written);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[written..], (ushort)address.Port);
        return StableHash.Of(bytes[..(written + sizeof(ushort))]);
    }

    private async Task RetireAsync()
    {
        await Task.Delay(RetiredFor, _time);
        _handler.Dispose();
    }
}
