using System.Threading.Channels;
using MeshLite.ControlPlane.Publish;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// What waits for one stream's sender: keys that changed (each once, however often), and messages of its sidecar, in order.
/// The publisher puts keys in and never waits; the stream's reader waits while the sender is behind. Thread-safe;
/// taken out by the sender alone.
/// </summary>
internal sealed class Mailbox : IPublishListener
{
    private const int MessagesAhead = 64;

    private readonly Lock _lock = new();
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Channel<SidecarMessage> _messages = Channel.CreateBounded<SidecarMessage>(
        new BoundedChannelOptions(MessagesAhead) { SingleReader = true, SingleWriter = true });

    private HashSet<string> _changed = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Changed(string resourceKey)
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = _changed.Count == 0;
            _changed.Add(resourceKey);
        }

        if (isFirst)
        {
            Wake();
        }
    }

    /// <summary>A message of the sidecar.</summary>
    public async ValueTask PostAsync(SidecarMessage message, CancellationToken cancellationToken)
    {
        await _messages.Writer.WriteAsync(message, cancellationToken);
        Wake();
    }

    /// <summary>Wakes the sender: it is time for something.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <summary>Until something may be there.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _wake.Reader.ReadAsync(cancellationToken);

    /// <summary>The next message that waits.</summary>
    public bool TryTakeMessage(out SidecarMessage? message) => _messages.Reader.TryRead(out message);

    /// <summary>All keys that wait.</summary>
    public IReadOnlySet<string> TakeChanged()
    {
        lock (_lock)
        {
            if (_changed.Count == 0)
            {
                return _changed;
            }

            var taken = _changed;
            _changed = new(StringComparer.Ordinal);
            return taken;
        }
    }
}
