namespace MeshLite.Shop;

/// <summary>
/// Books each request that has an id before anything else looks at it, so that one that fails later counts too.
/// </summary>
public sealed class LedgerMiddleware(RequestDelegate next, Ledger ledger, ShopOptions options, TimeProvider time)
{
    /// <summary>Called by ASP.NET Core for each request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        var id = headers[CallContext.RequestId].ToString();
        context.Response.Headers["x-shop-version"] = options.Version;
        if (id.Length == 0)
        {
            await next(context);
            return;
        }

        CallerPatience.Begin(context, time);
        ledger.Record(id, headers["meshlite-client-id"].ToString(), headers[CallerPatience.Header].ToString());
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            ledger.Cancelled(id);
        }
        finally
        {
            ledger.Ended(id);
        }
    }
}
