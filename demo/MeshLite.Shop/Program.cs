using MeshLite.Shop;

var builder = WebApplication.CreateBuilder(args);
var options = builder.Configuration.GetSection("Shop").Get<ShopOptions>() ?? new ShopOptions();
builder.Services.AddSingleton(options);
builder.Services.AddSingleton<Ledger>();
builder.Services.AddSingleton<TroubleSwitch>();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddHttpContextAccessor();
builder.Services.AddTransient<CallContext>();
// Trace context is carried as it came: this application records no spans of its own that could stand between.
builder.Services.AddHttpClient<ShopCalls>().AddHttpMessageHandler<CallContext>()
    .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ActivityHeadersPropagator = null });

var app = builder.Build();
app.MapGet("/healthz", () => "ok");
// On the application's own port, past the mesh.
app.MapGet("/ledger", (Ledger ledger, string? prefix) => ledger.Entries(prefix ?? ""));
app.MapPut("/trouble", (TroubleSwitch troubles, Trouble trouble) => troubles.Current = trouble);
app.UseMiddleware<LedgerMiddleware>();
app.UseMiddleware<TroubleMiddleware>();
Roles.Map(app, options);
await app.RunAsync();
