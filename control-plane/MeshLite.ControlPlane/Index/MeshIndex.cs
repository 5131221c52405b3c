using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace MeshLite.ControlPlane.Index;

/// <summary>What a batch of changes came to.</summary>
/// <param name="View">The view after it.</param>
/// <param name="Touched">What it touched.</param>
/// <param name="ChangedAt">When the oldest change of the batch was noticed.</param>
public sealed record IndexUpdate(IndexView View, IReadOnlySet<IndexKey> Touched, long ChangedAt);

/// <summary>
/// The index: sources post changes from any thread, one task applies them in order and hands each new view to the one
/// listener, on that task. Readers of <see cref="View"/> get an immutable view. What waits is applied together: no timer
/// delays a change, and a flood of changes makes few views.
/// </summary>
public sealed class MeshIndex
{
    private readonly Channel<IndexChange> _changes = Channel.CreateUnbounded<IndexChange>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IndexView _view = IndexView.Empty;

    /// <summary>The newest view.</summary>
    public IndexView View => _view;

    /// <summary>Completes once the view may be published.</summary>
    public Task WhenSynced => _synced.Task;

    /// <summary>Adds a change; never blocks.</summary>
    public void Post(IndexChange change) => _changes.Writer.TryWrite(change);

    /// <summary>The next change that waits; for tests that apply changes themselves.</summary>
    internal bool TryTake([NotNullWhen(true)] out IndexChange? change) => _changes.Reader.TryRead(out change);

    /// <summary>Applies changes until cancelled. <paramref name="publish"/> is called for every batch, before and after the sync.</summary>
    public async Task RunAsync(Action<IndexUpdate> publish, CancellationToken cancellationToken)
    {
        while (await _changes.Reader.WaitToReadAsync(cancellationToken))
        {
            var view = _view;
            var touched = new HashSet<IndexKey>();
            var changedAt = long.MaxValue;
            while (_changes.Reader.TryRead(out var change))
            {
                view = IndexReducer.Apply(view, change, touched);
                changedAt = Math.Min(changedAt, change.At);
            }

            _view = view;
            publish(new IndexUpdate(view, touched, changedAt));
            if (view.IsSynced)
            {
                _synced.TrySetResult();
            }
        }
    }
}
