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

    // Keys a set has room for without being made anew.
    private const int KeptRoom = 32;

    private readonly Lock _lock = new();
    private readonly WakeSignal _wake = new();
    private readonly Channel<SidecarMessage> _messages = Channel.CreateBounded<SidecarMessage>(
        new BoundedChannelOptions(MessagesAhead) { SingleReader = true, SingleWriter = true });

    private HashSet<string> _changed = new(StringComparer.Ordinal);

    // Two sets that take turns: a new one for each Update is what most of the collector's work would come from.
    private HashSet<string> _taken = new(StringComparer.Ordinal);

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

    /// <summary>A message of the sidecar. The sender goes on in this call, until it waits for something.</summary>
    public async ValueTask PostAsync(SidecarMessage message, CancellationToken cancellationToken)
    {
        await _messages.Writer.WriteAsync(message, cancellationToken);
        _wake.Set(inline: true);
    }

    /// <summary>Wakes the sender: it is time for something.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Until something may be there.</summary>
    public ValueTask WaitAsync() => _wake.WaitAsync();

    /// <summary>The next message that waits.</summary>
    public bool TryTakeMessage(out SidecarMessage? message) => _messages.Reader.TryRead(out message);

    /// <summary>All keys that wait; the caller's until it asks again.</summary>
    public HashSet<string> TakeChanged()
    {
        if (_taken.Capacity > KeptRoom)
        {
            _taken = new(StringComparer.Ordinal);
        }

        _taken.Clear();
        lock (_lock)
        {
            if (_changed.Count > 0)
            {
                (_taken, _changed) = (_changed, _taken);
            }
        }

        return _taken;
    }
}
