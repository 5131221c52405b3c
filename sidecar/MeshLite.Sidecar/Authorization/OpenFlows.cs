using System.Collections.Concurrent;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// What was let in once and lives on: TCP connections, WebSockets. Each is judged again when the rules change, and cut if it would
/// not be let in now. One per program; thread-safe.
/// </summary>
internal sealed class OpenFlows(ILogger<OpenFlows> log)
{
    private readonly ConcurrentDictionary<Flow, byte> _open = new();

    /// <summary>How many there are.</summary>
    public int Count => _open.Count;

    /// <summary>
    /// A flow that is about to begin, to be disposed when it ends. Judge it by <see cref="Flow.Judge"/> once it is here: rules that
    /// change meanwhile find it, whichever comes first.
    /// </summary>
    /// <param name="check">Null: it may be; cheap, called from any thread.</param>
    public Flow Open(Func<ProxyError?> check)
    {
        var flow = new Flow(this, check);
        _open.TryAdd(flow, 0);
        return flow;
    }

    /// <summary>Judges all again; called after the rules have changed.</summary>
    public void JudgeAll()
    {
        var cut = 0;
        foreach (var (flow, _) in _open)
        {
            cut += flow.Refused is null && flow.Judge() is not null ? 1 : 0;
        }

        if (cut > 0)
        {
            AuthorizationLog.FlowsCut(log, cut);
        }
    }

    /// <summary>One of them.</summary>
    internal sealed class Flow(OpenFlows owner, Func<ProxyError?> check) : IDisposable
    {
        // Never disposed: without a timer it holds nothing, and it may be cancelled late.
        private readonly CancellationTokenSource _cut = new();
        private volatile ProxyError? _refused;
        private CancellationTokenRegistration _whenCut;

        /// <summary>Why it was cut; null: it was not.</summary>
        public ProxyError? Refused => _refused;

        /// <summary>Fires when it is cut.</summary>
        public CancellationToken Cut => _cut.Token;

        /// <summary>Why it may not be, if so: then it is cut.</summary>
        public ProxyError? Judge()
        {
            if (check() is { } refused)
            {
                _refused = refused;
                _ = _cut.CancelAsync(); // whoever waits for it runs elsewhere
                return refused;
            }

            return null;
        }

        /// <summary>What to do when it is cut. Called once, by its owner, before anything flows.</summary>
        public void WhenCut(Action<object?> act, object of) => _whenCut = _cut.Token.UnsafeRegister(act, of);

        /// <summary>From here on it is not cut any more, and what <see cref="WhenCut"/> does has been done or never will be.</summary>
        public void Dispose()
        {
            owner._open.TryRemove(this, out _);
            _whenCut.Dispose();
        }
    }
}
