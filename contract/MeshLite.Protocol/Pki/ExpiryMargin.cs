namespace MeshLite.Protocol.Pki;

/// <summary>When the end of a certificate is near: the same for warnings, <c>meshctl check</c> and, in numbers, the alert rules.</summary>
public static class ExpiryMargin
{
    /// <value>Before the end of a long life. 30 d.</value>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>
    /// A quarter of its life, at most 30 d. Whoever renews in time has done so by then: sidecars between 60 % and 73 % of a life, the control plane's own
    /// certificate and cert-manager's at two thirds.
    /// </summary>
    public static TimeSpan Of(DateTimeOffset begins, DateTimeOffset ends)
    {
        var quarter = (ends - SvidProfile.IssuedAt(begins, ends)) / 4;
        return quarter < Longest ? quarter : Longest;
    }

    /// <summary>Whether the end is near, or past.</summary>
    public static bool IsNear(DateTimeOffset begins, DateTimeOffset ends, DateTimeOffset now) => ends - now < Of(begins, ends);
}
