using System.Net;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Faults of a <see cref="FakeApiServer"/> that a test switches on and off. Thread-safe.</summary>
public sealed class ApiFaults
{
    private readonly Lock _lock = new();
    private readonly ApiWatches _watches;
    private readonly ConnectionGate _gate;
    private readonly List<Planned> _planned = [];

    internal ApiFaults(ApiWatches watches, ConnectionGate gate) => (_watches, _gate) = (watches, gate);

    /// <summary>
    /// Answers the next <paramref name="times"/> requests that match with that status (<see cref="int.MaxValue"/>: all, until <see cref="Clear"/>).
    /// </summary>
    /// <param name="status">Status.</param>
    /// <param name="times">How often.</param>
    /// <param name="retryAfter">What the answer asks for; whole seconds.</param>
    /// <param name="when">Method, and path with query (<c>/api/v1/pods?watch=true</c>); null: every request.</param>
    public void Answer(HttpStatusCode status, int times = 1, TimeSpan? retryAfter = null, Func<string, string, bool>? when = null)
    {
        lock (_lock)
        {
            _planned.Add(new Planned(status, retryAfter, when) { Left = times });
        }
    }

    /// <summary>From now on nothing is answered, no watch says anything, no ping comes back; connections stay open, and new ones are accepted.</summary>
    public void Hang() => _gate.Close();

    /// <summary>Breaks every open connection, once.</summary>
    public void CloseConnections() => _gate.Break();

    /// <summary>Ends every open watch in an orderly way, once.</summary>
    public void EndWatches() => _watches.Tell(w => w.IsEnded = true);

    /// <summary>Ends every open watch with an ERROR event, once.</summary>
    /// <param name="status">410 by default.</param>
    public void FailWatches(HttpStatusCode status = HttpStatusCode.Gone) =>
        _watches.Tell(w => w.Error = status == HttpStatusCode.Gone ? ApiError.Expired("too old resource version") : new ApiError(status, "", "fault of a test"));

    /// <summary>No faults; what hung goes on.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _planned.Clear();
        }

        _gate.Open();
    }

    internal ApiError? ErrorFor(string method, string pathAndQuery)
    {
        lock (_lock)
        {
            var fault = _planned.Find(f => f.When?.Invoke(method, pathAndQuery) ?? true);
            if (fault is null)
            {
                return null;
            }

            if (fault.Left != int.MaxValue && --fault.Left == 0)
            {
                _planned.Remove(fault);
            }

            var reason = fault.Status switch
            {
                HttpStatusCode.Gone => "Expired",
                HttpStatusCode.TooManyRequests => "TooManyRequests",
                HttpStatusCode.InternalServerError => "InternalError",
                HttpStatusCode.ServiceUnavailable => "ServiceUnavailable",
                HttpStatusCode.Forbidden => "Forbidden",
                HttpStatusCode.Unauthorized => "Unauthorized",
                HttpStatusCode.NotFound => "NotFound",
                HttpStatusCode.Conflict => "Conflict",
                _ => "",
            };
            return new ApiError(fault.Status, reason, "fault of a test") { RetryAfter = fault.RetryAfter };
        }
    }

    private sealed record Planned(HttpStatusCode Status, TimeSpan? RetryAfter, Func<string, string, bool>? When)
    {
        public int Left { get; set; }
    }
}
