using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>
/// Ejects endpoints of one Service that fail, and lets them back (Envoy: outlier detection,
/// https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/outlier). Two bounds hold at any moment: at most
/// <see cref="EndpointCircuitConfig.MaxEjectedPercent"/> of the endpoints are out, rounded down, and never the last one;
/// half-open ones count as out. Unlike Envoy, which lets an endpoint back for all when its time is over, one probe at a
/// time decides.
/// Thread-safe. Whoever goes in or out does so under one lock; a success, and a failure that ejects nobody, take none.
/// </summary>
internal sealed class OutlierEjector(EndpointCircuitConfig config, TimeProvider time, Random random)
{
    private readonly Lock _lock = new();
    private readonly List<EndpointHealth> _out = [];
    private EndpointCircuitConfig _config = config;
    private volatile FailureThresholds _thresholds = FailureThresholds.Of(config);
    private volatile int _outCount;
    private volatile int _maxOut;
    private int _total;

    /// <summary>
    /// An endpoint moved from one state to another. Called under the lock, so in order: be short. Not called for one
    /// that is forgotten.
    /// </summary>
    public event Action<EndpointHealth, EndpointHealthState, EndpointHealthState>? Changed;

    /// <summary>How many are out. 0 lets the picker look at none.</summary>
    public int OutCount => _outCount;

    /// <summary>
    /// What came of an attempt. Of an endpoint that is out only probes count: what was sent before its ejection is known to
    /// be lost.
    /// </summary>
    /// <param name="endpoint">Who it was sent to.</param>
    /// <param name="outcome">What it says.</param>
    /// <param name="wasProbe">It was sent because <see cref="EndpointHealth.TryProbe"/> said so.</param>
    public void Record(EndpointHealth endpoint, AttemptOutcome outcome, bool wasProbe)
    {
        if (wasProbe && EndProbe(endpoint, outcome))
        {
            return;
        }

        if (outcome == AttemptOutcome.Neutral || endpoint.IsOut)
        {
            return;
        }

        if (outcome == AttemptOutcome.Success)
        {
            endpoint.Tally.Success(_thresholds);
        }
        else if (endpoint.Tally.Failure(_thresholds) && _outCount < _maxOut)
        {
            lock (_lock)
            {
                Eject_NeedsLock(endpoint);
            }
        }
    }

    /// <summary>
    /// The Service's endpoints are now so many, and some are gone. Where that leaves more out than may be, those whose time is
    /// over soonest come back at once.
    /// </summary>
    public void SetEndpoints(int total, params ReadOnlySpan<EndpointHealth> gone)
    {
        lock (_lock)
        {
            foreach (var endpoint in gone)
            {
                Forget(endpoint);
            }

            _total = total;
            KeepBounds_NeedsLock();
        }
    }

    /// <summary>
    /// An endpoint left the set; what is still under way to it ejects nobody. The bounds are those of the set before until
    /// <see cref="SetEndpoints"/> is called, which can do both at once.
    /// </summary>
    public void Forget(EndpointHealth endpoint)
    {
        lock (_lock)
        {
            endpoint.IsForgotten = true;
            if (_out.Remove(endpoint))
            {
                endpoint.Move(EndpointHealthState.Closed, this, 0);
                _outCount = _out.Count;
            }
        }
    }

    /// <summary>Other thresholds and times from now on; who is out stays so for the time it was given, as far as the new bounds allow.</summary>
    public void Update(EndpointCircuitConfig config)
    {
        lock (_lock)
        {
            _config = config;
            _thresholds = FailureThresholds.Of(config);
            KeepBounds_NeedsLock();
        }
    }

    /// <summary>For <see cref="EndpointHealth.TryProbe"/>, which has looked already; somebody may have been quicker.</summary>
    internal bool TryBeginProbe(EndpointHealth endpoint)
    {
        lock (_lock)
        {
            if (!endpoint.IsOut || endpoint.IsProbed || time.GetTimestamp() < endpoint.ProbeAt)
            {
                return false;
            }

            endpoint.IsProbed = true;
            if (endpoint.State == EndpointHealthState.Ejected)
            {
                Move_NeedsLock(endpoint, EndpointHealthState.HalfOpen, endpoint.ProbeAt);
            }

            return true;
        }
    }

    /// <summary>False: the endpoint had come back meanwhile (see <see cref="SetEndpoints"/>), so that it was no probe any more.</summary>
    private bool EndProbe(EndpointHealth endpoint, AttemptOutcome outcome)
    {
        lock (_lock)
        {
            // The slot is the request's until here, whatever became of the endpoint: two are never under way.
            endpoint.IsProbed = false;
            if (endpoint.State != EndpointHealthState.HalfOpen)
            {
                return endpoint.IsOut;
            }

            if (outcome == AttemptOutcome.Failure)
            {
                endpoint.Ejections = EjectionTime.Next(_config, endpoint.Ejections, TimeSpan.Zero);
                Open_NeedsLock(endpoint);
            }
            else if (outcome == AttemptOutcome.Success && ++endpoint.ProbeSuccesses >= _config.SuccessesToClose)
            {
                Close_NeedsLock(endpoint);
            }

            return true;
        }
    }

    private void Eject_NeedsLock(EndpointHealth endpoint)
    {
        if (endpoint.IsOut || endpoint.IsForgotten || _out.Count >= _maxOut)
        {
            return;
        }

        var backFor = endpoint.Ejections == 0 ? TimeSpan.Zero : time.GetElapsedTime(endpoint.BackSince);
        endpoint.Ejections = EjectionTime.Next(_config, endpoint.Ejections, backFor);
        _out.Add(endpoint);
        Open_NeedsLock(endpoint);
        _outCount = _out.Count;
    }

    private void Open_NeedsLock(EndpointHealth endpoint)
    {
        endpoint.ProbeSuccesses = 0;
        var units = Timestamps.FromTimeSpan(EjectionTime.Of(_config, endpoint.Ejections, random), time.TimestampFrequency);
        Move_NeedsLock(endpoint, EndpointHealthState.Ejected, time.GetTimestamp() + units);
    }

    private void Close_NeedsLock(EndpointHealth endpoint)
    {
        endpoint.Tally.Clear();
        endpoint.BackSince = time.GetTimestamp();
        _out.Remove(endpoint);
        _outCount = _out.Count;
        Move_NeedsLock(endpoint, EndpointHealthState.Closed, 0);
    }

    private void Move_NeedsLock(EndpointHealth endpoint, EndpointHealthState to, long probeAt)
    {
        var from = endpoint.State;
        endpoint.Move(to, this, probeAt);
        Changed?.Invoke(endpoint, from, to);
    }

    private void KeepBounds_NeedsLock()
    {
        _maxOut = Math.Max(0, Math.Min(_total - 1, (int)((long)_total * _config.MaxEjectedPercent / 100)));
        while (_out.Count > _maxOut)
        {
            Close_NeedsLock(_out.MinBy(endpoint => endpoint.ProbeAt)!);
        }
    }
}
