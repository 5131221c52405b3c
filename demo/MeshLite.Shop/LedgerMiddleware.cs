namespace MeshLite.Shop;

/// <summary>
/// Books each request that has an id before anything else looks at it, so that one that fails later counts too.
/// </summary>
public sealed class LedgerMiddleware(RequestDelegate next, Ledger ledger, ShopOptions options)
{
    /// <summary>Called by ASP.NET Core for each request.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Headers.TryGetValue(CallContext.RequestId, out var id))
        {
            ledger.Record(id.ToString(), context.Request.Headers["meshlite-client-id"].ToString());
        }

        context.Response.Headers["x-shop-version"] = options.Version;
        return next(context);
    }
}
