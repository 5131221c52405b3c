namespace MeshLite.Cli.Check;

/// <summary>How one thing is.</summary>
internal enum CheckOutcome
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, but will not for ever, or not for everybody.</summary>
    Warning,

    /// <summary>Does not work.</summary>
    Failed,
}

/// <summary>One line of <c>meshctl check</c>.</summary>
/// <param name="Outcome">How it is.</param>
/// <param name="Subject">What was looked at, in a word or two.</param>
/// <param name="Says">What was found.</param>
/// <param name="Advice">What to do; empty where nothing is to be done.</param>
internal sealed record CheckResult(CheckOutcome Outcome, string Subject, string Says, string Advice = "")
{
    /// <summary>All is well.</summary>
    public static CheckResult Ok(string subject, string says) => new(CheckOutcome.Ok, subject, says);

    /// <summary>Something is to be done some time.</summary>
    public static CheckResult Warning(string subject, string says, string advice) => new(CheckOutcome.Warning, subject, says, advice);

    /// <summary>Something is to be done now.</summary>
    public static CheckResult Failed(string subject, string says, string advice) => new(CheckOutcome.Failed, subject, says, advice);
}
