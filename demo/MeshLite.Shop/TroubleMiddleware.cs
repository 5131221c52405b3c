namespace MeshLite.Shop;

/// <summary>Does to requests that have an id what <see cref="Trouble"/> says.</summary>
public sealed class TroubleMiddleware(RequestDelegate next, TroubleSwitch troubles, Ledger ledger, TimeProvider time)
{
    /// <summary>Called by ASP.NET Core for each request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var id = context.Request.Headers[CallContext.RequestId].ToString();
        var trouble = troubles.Current;
        if (id.Length == 0)
        {
            await next(context);
            return;
        }

        if (trouble.DelayMs > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(trouble.DelayMs), time, context.RequestAborted);
        }

        if (trouble.Hang)
        {
            await troubles.OverAsync().WaitAsync(context.RequestAborted);
        }

        var drawn = troubles.Draw();
        if (drawn < trouble.FailPercent)
        {
            ledger.Failed(id);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
        else if (drawn < trouble.FailPercent + trouble.BreakPercent)
        {
            ledger.Failed(id);
            context.Abort();
        }
        else
        {
            await next(context);
        }
    }
}
