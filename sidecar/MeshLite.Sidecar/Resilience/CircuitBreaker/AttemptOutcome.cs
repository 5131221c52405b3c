namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>What one attempt says about who it was sent to.</summary>
internal enum AttemptOutcome
{
    /// <summary>Answered, by something that is no failure: 4xx included.</summary>
    Success,

    /// <summary>Could not be reached, took longer than the rules allow, or answered with a status that counts as failure.</summary>
    Failure,

    /// <summary>Nothing: the caller left, or its own deadline was too short.</summary>
    Neutral,
}
