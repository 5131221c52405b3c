namespace MeshLite.Shop;

/// <summary>What each application of the shop answers: a customer reads and places orders, orders ask the stock.</summary>
internal static class Roles
{
    public static void Map(WebApplication app, ShopOptions options)
    {
        switch (options.Role)
        {
            case "frontend":
                app.MapGet("/orders/{id}", (HttpContext context, ShopCalls shop, string id) => shop.RelayAsync(context, $"http://orders/orders/{id}", passVersion: true));
                app.MapPost("/orders", (HttpContext context, ShopCalls shop) => shop.RelayAsync(context, "http://orders/orders", passVersion: true));
                break;
            case "orders":
                app.MapGet("/orders/{id}", (HttpContext context, ShopCalls shop, string id) => shop.RelayAsync(context, $"http://inventory/items/{id}", passVersion: false));
                app.MapPost("/orders", (HttpContext context, ShopCalls shop) => shop.RelayAsync(context, "http://inventory/reservations", passVersion: false));
                break;
            case "inventory":
                app.MapGet("/items/{id}", (string id) => Results.Json(new { item = id, inStock = true }));
                app.MapGet("/reports/{id}", (string id) => Results.Json(new { report = id, items = 3 }));
                app.MapPost("/reservations", async (HttpContext context) =>
                {
                    await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
                    return Results.Json(new { reserved = true }, statusCode: StatusCodes.Status201Created);
                });
                break;
            default:
                throw new InvalidOperationException($"Shop:Role is '{options.Role}': frontend, orders or inventory");
        }
    }
}
