namespace MeshLite.Shop;

/// <summary>Calls the next application of the shop by its service name; where that leads is the business of <c>http_proxy</c>.</summary>
public sealed class ShopCalls(HttpClient http)
{
    /// <summary>
    /// Sends the request on, and answers with what came back: its body, and its version instead of this application's own
    /// where <paramref name="passVersion"/> says so. A failure below is this application's failure: 502.
    /// </summary>
    public async Task RelayAsync(HttpContext context, string url, bool passVersion)
    {
        using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), url);
        if (context.Request.ContentLength > 0)
        {
            request.Content = new StreamContent(context.Request.Body) { Headers = { ContentLength = context.Request.ContentLength } };
        }

        using var response = await http.SendAsync(request, context.RequestAborted);
        var body = await response.Content.ReadAsByteArrayAsync(context.RequestAborted);
        if (!response.IsSuccessStatusCode)
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
        }

        if (passVersion && response.Headers.TryGetValues("x-shop-version", out var version))
        {
            context.Response.Headers["x-shop-version"] = version.ToArray();
        }

        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
