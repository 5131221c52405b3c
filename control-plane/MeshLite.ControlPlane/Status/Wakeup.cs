using System.Threading.Channels;

namespace MeshLite.ControlPlane.Status;

/// <summary>Wakes one loop, however often it is called meanwhile. Thread-safe.</summary>
internal sealed class Wakeup
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>There is something to do.</summary>
    public void Set() => _channel.Writer.TryWrite(true);

    /// <summary>Until there may be.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _channel.Reader.ReadAsync(cancellationToken);
}
