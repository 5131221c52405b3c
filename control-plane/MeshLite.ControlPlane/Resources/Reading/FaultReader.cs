using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads the filter <c>fault</c>. How many requests are meant has no default. Pure.</summary>
internal static class FaultReader
{
    private static readonly TimeSpan MinDelay = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromHours(1);

    /// <summary>Reads it.</summary>
    public static FaultConfig Read(FieldReader fault)
    {
        if (!fault.Has("delay") && !fault.Has("abort"))
        {
            fault.Error("", "must have delay, abort or both");
        }

        var delay = fault.Object("delay", ReadDelay);
        var abort = fault.Object("abort", ReadAbort);
        return new FaultConfig
        {
            Delay = delay?.Duration ?? TimeSpan.Zero,
            DelayPercent = delay?.Percent ?? 0,
            AbortStatus = abort?.Status ?? 0,
            AbortPercent = abort?.Percent ?? 0,
        };
    }

    private static Delay ReadDelay(FieldReader delay)
    {
        delay.RequireField("duration");
        return new Delay(delay.Duration("duration", MinDelay, MaxDelay) ?? MinDelay, ReadPercent(delay));
    }

    private static Abort ReadAbort(FieldReader abort)
    {
        abort.RequireField("status");
        return new Abort(abort.Integer("status", 200, 599) ?? 0, ReadPercent(abort));
    }

    private static double ReadPercent(FieldReader part)
    {
        part.RequireField("percent");
        return part.Number("percent", 0, 100) ?? 0;
    }

    private sealed record Delay(TimeSpan Duration, double Percent);

    private sealed record Abort(int Status, double Percent);
}
