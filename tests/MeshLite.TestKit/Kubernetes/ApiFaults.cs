using System.Net;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Faults of a <see cref="FakeApiServer"/> that a test switches on and off. Thread-safe.</summary>
public sealed class ApiFaults
{
    /// <summary>Answers the next <paramref name="times"/> requests that match with that status (<see cref="int.MaxValue"/>: all, until <see cref="Clear"/>).</summary>
    public void Answer(HttpStatusCode status, int times = 1, TimeSpan? retryAfter = null, Func<string, string, bool>? when = null) => throw new NotImplementedException();

    /// <summary>From now on nothing is answered and no watch says anything; connections stay open.</summary>
    public void Hang() => throw new NotImplementedException();

    /// <summary>Breaks every open connection, once.</summary>
    public void CloseConnections() => throw new NotImplementedException();

    /// <summary>Ends every open watch in an orderly way, once.</summary>
    public void EndWatches() => throw new NotImplementedException();

    /// <summary>Ends every open watch with an ERROR event, 410 by default, once.</summary>
    public void FailWatches(HttpStatusCode status = HttpStatusCode.Gone) => throw new NotImplementedException();

    /// <summary>No faults; what hung goes on.</summary>
    public void Clear() => throw new NotImplementedException();
}
