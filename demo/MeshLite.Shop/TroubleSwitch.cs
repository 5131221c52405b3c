namespace MeshLite.Shop;

/// <summary>The trouble there is now. Thread-safe.</summary>
public sealed class TroubleSwitch
{
    private readonly Lock _lock = new();
    private readonly Random _random = new();
    private volatile State _state = new(new Trouble());

    /// <summary>What it is. Setting it lets go of what hangs.</summary>
    public Trouble Current
    {
        get => _state.Trouble;
        set
        {
            var before = _state;
            _state = new State(value);
            before.Over.TrySetResult();
        }
    }

    /// <summary>Ends when there is other trouble than now.</summary>
    public Task OverAsync() => _state.Over.Task;

    /// <summary>A share of the range from 0 to 100.</summary>
    public double Draw()
    {
        lock (_lock)
        {
            return _random.NextDouble() * 100;
        }
    }

    private sealed record State(Trouble Trouble)
    {
        public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
