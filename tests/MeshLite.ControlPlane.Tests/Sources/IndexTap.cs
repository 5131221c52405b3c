using MeshLite.ControlPlane.Index;

namespace MeshLite.ControlPlane.Tests.Sources;

/// <summary>An index that nobody runs: what is posted to it can be looked at, and is applied when the view is asked for.</summary>
internal sealed class IndexTap
{
    private readonly List<IndexChange> _changes = [];
    private IndexView _view = IndexView.Empty;

    public MeshIndex Index { get; } = new();

    public List<IndexChange> Changes
    {
        get
        {
            Take();
            return _changes;
        }
    }

    public IndexView View
    {
        get
        {
            Take();
            return _view;
        }
    }

    private void Take()
    {
        while (Index.TryTake(out var change))
        {
            _changes.Add(change);
            _view = IndexReducer.Apply(_view, change, new HashSet<IndexKey>());
        }
    }
}
