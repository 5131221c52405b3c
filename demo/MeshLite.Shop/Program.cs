using MeshLite.Shop;

var builder = WebApplication.CreateBuilder(args);
var options = builder.Configuration.GetSection("Shop").Get<ShopOptions>() ?? new ShopOptions();
builder.Services.AddSingleton(options);
builder.Services.AddSingleton<Ledger>();
builder.Services.AddHttpContextAccessor();
builder.Services.AddTransient<CallContext>();
builder.Services.AddHttpClient<ShopCalls>().AddHttpMessageHandler<CallContext>();

var app = builder.Build();
app.MapGet("/healthz", () => "ok");
// Read on the application's own port, past the mesh.
app.MapGet("/ledger", (Ledger ledger, string? prefix) => ledger.Entries(prefix ?? ""));
app.UseMiddleware<LedgerMiddleware>();
Roles.Map(app, options);
await app.RunAsync();
