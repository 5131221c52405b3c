using System.Threading.Channels;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// What this sidecar wants from the control plane and has to say to it: subscriptions and the application's
/// health. Survives reconnects: a new stream's Hello says it all, so nothing is queued while there is none and what
/// was queued for the old one is dropped. Thread-safe; requests add, the <see cref="ConfigStream"/> loop takes.
/// </summary>
internal sealed class Outbox
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _authorities = new(StringComparer.Ordinal);
    private readonly Channel<SidecarMessage> _queue =
        Channel.CreateUnbounded<SidecarMessage>(new UnboundedChannelOptions { SingleReader = true });

    private bool _open;
    private bool _ready;
    private bool _draining;

    /// <summary>Messages for the open stream.</summary>
    public ChannelReader<SidecarMessage> Messages => _queue.Reader;

    /// <summary>Wants a destination from now on.</summary>
    public void Subscribe(string authority)
    {
        lock (_lock)
        {
            if (_authorities.Add(authority))
            {
                Send(new SidecarMessage { Subscribe = new Subscribe { Authorities = { authority } } });
            }
        }
    }

    /// <summary>No longer wants it.</summary>
    public void Unsubscribe(string authority)
    {
        lock (_lock)
        {
            if (_authorities.Remove(authority))
            {
                Send(new SidecarMessage { Unsubscribe = new Unsubscribe { Authorities = { authority } } });
            }
        }
    }

    /// <summary>The application's health changed.</summary>
    public void ReportHealth(bool ready, bool draining)
    {
        lock (_lock)
        {
            // Draining is for good: a health check that succeeds meanwhile must not put us back into rotation.
            _draining |= draining;
            _ready = ready && !_draining;
            Send(new SidecarMessage { Health = new Health { Ready = _ready, Draining = _draining } });
        }
    }

    /// <summary>Queues an answer to the control plane; dropped where no stream is open.</summary>
    public void Send(SidecarMessage message)
    {
        lock (_lock)
        {
            if (_open)
            {
                _queue.Writer.TryWrite(message);
            }
        }
    }

    /// <summary>Begins a stream: fills what Hello says of wishes and health, and forgets what was queued for the stream before.</summary>
    public void Begin(Hello hello)
    {
        lock (_lock)
        {
            Clear();
            _open = true;
            hello.Authorities.AddRange(_authorities);
            hello.Ready = _ready;
        }
    }
    /// <summary>The stream is over.</summary>
    public void End()
    {
        lock (_lock)
        {
            _open = false;
            Clear();
        }
    }

    private void Clear()
    {
        while (_queue.Reader.TryRead(out _))
        {
            // The next Hello says it.
        }
    }
}
