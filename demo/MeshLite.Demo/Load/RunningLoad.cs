using System.Collections.Concurrent;

namespace MeshLite.Demo.Load;

/// <summary>Load under way. Thread-safe.</summary>
internal sealed class RunningLoad
{
    private volatile bool _stopped;

    /// <summary>What was answered so far, in the order of the answers.</summary>
    public ConcurrentQueue<SentRequest> Answered { get; } = new();

    /// <summary>Ends when all requests sent are answered.</summary>
    public Task Ended { get; internal set; } = Task.CompletedTask;

    internal bool Stopped => _stopped;

    /// <summary>Sends no more; returns all requests once all are answered.</summary>
    public async Task<IReadOnlyCollection<SentRequest>> StopAsync()
    {
        _stopped = true;
        await Ended;
        return Answered;
    }
}
